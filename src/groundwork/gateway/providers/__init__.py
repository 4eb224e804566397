"""One file per kind of provider; each turns its wire into the port `Model.stream`."""
