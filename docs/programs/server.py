"""A TCP server that answers in upper case, one client after the other, until it is stopped."""

import socket

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.bind(("127.0.0.1", 12000))
listener.listen()
while True:
    connection, address = listener.accept()
    while text := connection.recv(1024):
        connection.sendall(text.upper())
    connection.close()
