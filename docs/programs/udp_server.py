"""A UDP server that answers in upper case until it is stopped."""

import socket

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 12000))
while True:
    text, address = server.recvfrom(2048)
    server.sendto(text.upper(), address)
