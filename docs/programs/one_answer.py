"""A TCP server that answers one client in upper case, once, and closes first."""

import socket

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.bind(("127.0.0.1", 12000))
listener.listen()
connection, address = listener.accept()
connection.sendall(connection.recv(1024).upper())
connection.close()
