"""A TCP client that sends every line of its input and prints what comes back."""

import socket
import sys

connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
connection.connect(("127.0.0.1", 12000))
for line in sys.stdin:
    connection.sendall(line.encode())
    answer = connection.recv(1024)
    if not answer:
        print("the server has closed")
        break
    print("answer:", answer.decode().strip())
connection.close()
