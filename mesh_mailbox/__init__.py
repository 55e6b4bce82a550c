"""MESH, the NHS message exchange that authorities use: what comes in is handed on, what goes back is sent."""
