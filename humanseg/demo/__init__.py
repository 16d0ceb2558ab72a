"""The page that runs a model in the browser: its files, a server, and a static build."""
