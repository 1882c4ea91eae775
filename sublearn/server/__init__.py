"""The laboratory in the browser, on loopback alone: it starts runs in processes of their own and shows folders."""
