/** Uncompressed zip and tar archives, made of names as they are given: also of those that nobody may extract. */
import { crc32 } from 'node:zlib';

export interface ArchiveFile {
  /** Path in the archive, such as `pdf/SKILL.md`. */
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly executable?: boolean | undefined;
}

export function zipOf(files: readonly ArchiveFile[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const name = Buffer.from(file.name);
    const content = Buffer.from(file.content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    // Bit 11: the name is UTF-8.
    common.writeUInt16LE(0x800, 2);
    // No compression; 1 January 1980, 00:00.
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, content]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(((0o100000 | modeOf(file)) << 16) >>> 0, 6);
    rest.writeUInt32LE(offset, 10);
    // Made by Unix: the upper half of the attributes is the mode.
    central.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, rest, name);
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** @throws RangeError for a name of more than 100 bytes. */
export function tarOf(files: readonly ArchiveFile[]): Buffer {
  const blocks = files.flatMap(file => {
    const content = Buffer.from(file.content);
    const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
    return [tarHeader(file, content.length), content, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function tarHeader(file: ArchiveFile, size: number): Buffer {
  const header = Buffer.alloc(512);
  const name = Buffer.from(file.name);
  if (name.length > 100) throw new RangeError(`a name in a tar archive has at most 100 bytes: ${file.name}`);
  name.copy(header);
  const octal = (value: number, at: number, digits: number) =>
    header.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  octal(modeOf(file), 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(0, 136, 11);
  header.write('0', 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  // The sum counts its own field as blanks.
  header.write('        ', 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function modeOf(file: ArchiveFile): number {
  return file.executable === true ? 0o755 : 0o644;
}
