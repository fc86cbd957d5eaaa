"""A UDP client that sends one datagram and waits a second for the answer."""

import socket

client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(1)
client.sendto(b"hello", ("127.0.0.1", 12000))
try:
    answer, address = client.recvfrom(2048)
    print("answer:", answer.decode())
except TimeoutError:
    print("no answer")
