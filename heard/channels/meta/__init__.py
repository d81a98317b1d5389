"""Meta's places: a Facebook Page, Messenger, Instagram and WhatsApp. One Graph API, one signature.

`graph` asks and hands over, `hooks` lets deliveries in and takes them apart, `chats` reads the
messages that Messenger and Instagram share; each kind is a module of its own.
"""
