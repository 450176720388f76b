"""Runs the rules over two sides. Pure Python: the rows and the network are behind the protocols of sides.py."""
