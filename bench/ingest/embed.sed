# Makes a C string of each line of a text.
s/\\/\\\\/g
s/"/\\"/g
s/^/"/
s/$/\\n"/
