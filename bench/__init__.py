"""What recordbake costs, side by side with not using it and with its peers: ``nox -s bench``."""
