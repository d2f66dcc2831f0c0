"""The way in for agents: a server of the Model Context Protocol over the nodes' client. Extra: mcp.

sensor_text marks what comes from topics as data; robot asks the nodes; content is what a reply holds; tools are what an
agent may call; server serves them.
"""
