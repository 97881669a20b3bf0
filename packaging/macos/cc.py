"""zig as the C compiler for macOS, for cgo: cc.py TARGET ARGUMENT...

zig's linker exports every global symbol and knows neither -exported_symbols_list nor a version
script. What must not be seen outside the library is therefore made "private extern" in the object
files just before they are linked; the linker signs its output afterwards, so the signature holds.
"""

import os
import struct
import sys

import ziglang

PUBLIC = b"_status1to1_"

# From <mach-o/loader.h> and <mach-o/nlist.h>.
MACHO_64 = 0xFEEDFACF
OBJECT_FILE = 1
SYMTAB = 2
HEADER = struct.Struct("<8I")
COMMAND = struct.Struct("<2I")
TABLE = struct.Struct("<4I")
SYMBOL = struct.Struct("<IBBHQ")
DEBUG, PRIVATE_EXTERNAL, KIND, EXTERNAL, UNDEFINED = 0xE0, 0x10, 0x0E, 0x01, 0x00


def symbol_table(data):
    """The offset and number of the symbols and the offset of their names."""
    magic, _, _, kind, commands, _, _, _ = HEADER.unpack_from(data)
    if magic != MACHO_64 or kind != OBJECT_FILE:
        return None
    at = HEADER.size
    for _ in range(commands):
        command, size = COMMAND.unpack_from(data, at)
        if command == SYMTAB:
            symbols, count, names, _ = TABLE.unpack_from(data, at + COMMAND.size)
            return symbols, count, names
        at += size
    return None


def hide(path):
    """Make what an object file defines private, unless it is a function of the header."""
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        table = symbol_table(data) if len(data) >= HEADER.size else None
        if table is None:
            return
        symbols, count, names = table
        for at in range(symbols, symbols + count * SYMBOL.size, SYMBOL.size):
            name, flags, section, description, value = SYMBOL.unpack_from(data, at)
            if flags & DEBUG or not flags & EXTERNAL or flags & KIND == UNDEFINED:
                continue
            if not data.startswith(PUBLIC, names + name):
                SYMBOL.pack_into(data, at, name, flags | PRIVATE_EXTERNAL, section, description, value)
        file.seek(0)
        file.write(data)


def main():
    target, arguments = sys.argv[1], sys.argv[2:]
    if "-dynamiclib" in arguments:
        for argument in arguments:
            if argument.endswith(".o"):
                hide(argument)
    zig = os.path.join(os.path.dirname(ziglang.__file__), "zig")
    os.execv(zig, [zig, "cc", "-target", target] + arguments)


if __name__ == "__main__":
    main()
