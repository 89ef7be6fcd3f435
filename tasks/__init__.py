"""Tasks: the steps of a flow; they open what is below and hand it on."""
