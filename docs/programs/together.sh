# sh together.sh SERVER CLIENT: starts the server, waits until it has its port, then runs the client.
folder=$(dirname "$0")
python3 "$folder/$1" &
# 2EE0 is port 12000; the kernel lists a socket as soon as it is bound.
until cat /proc/net/udp /proc/net/tcp | grep -q ':2EE0 00000000:0000 0[7A]'; do sleep 0.05; done
python3 "$folder/$2"
