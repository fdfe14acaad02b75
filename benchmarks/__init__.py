"""How fast Exempla does the work W1 and W3 to W6, beside a floor measured in the same run."""
