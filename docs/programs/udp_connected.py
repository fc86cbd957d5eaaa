"""The same, but connected: the socket has a peer, so the kernel tells it what becomes of its datagrams."""

import socket

client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(1)
client.connect(("127.0.0.1", 12000))
client.send(b"hello")
try:
    print("answer:", client.recv(2048).decode())
except ConnectionRefusedError as error:
    print(error)
