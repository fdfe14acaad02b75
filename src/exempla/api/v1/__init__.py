"""`/api/v1`: what Exempla adds to the API of AX. One module per resource, as in `/v2`."""
