"""One palette, one way to draw runs, means, intervals and densities: for pages, files and notebooks."""
