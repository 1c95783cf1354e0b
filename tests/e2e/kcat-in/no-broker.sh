kcat-in --plain -b 127.0.0.1:1 -t events -e --timeout 300ms
