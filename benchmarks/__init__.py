"""How fast Exempla works and searches, beside a floor measured in the same run."""
