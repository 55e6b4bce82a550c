"""The four processes of the service, each wired from its parts and runnable alone: api, listener, dispatcher, loader.

Called by the command line; each runs until SIGTERM or SIGINT and then drains.
"""
