"""Arrow Flight: whole datasets in, whole versions out (contract: Arrow Flight).

`commands.py` reads what a client asks for, `service.py` does it, `server.py` starts and stops.
"""
