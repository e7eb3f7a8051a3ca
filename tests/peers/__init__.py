"""The contract of tests/clients, put to other tools that keep a suite from the network."""
