"""A TCP client that says one line, and reads until the server has closed."""

import socket

connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
connection.connect(("127.0.0.1", 12000))
connection.sendall(b"hello")
while answer := connection.recv(1024):
    print("answer:", answer.decode())
print("the server has closed")
connection.close()
