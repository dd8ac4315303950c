import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'

const { addonFindings } = (await import(new URL('../../scripts/release/check.mjs', import.meta.url).href)) as {
  addonFindings: (file: string, of: { platform: string; arch: string; libc?: string; version: string }) => string[]
}

function findings(t: ExecutionContext, bytes: Buffer, of: { platform: string; arch: string; libc?: string }) {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-addon-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'addon.node')
  writeFileSync(file, bytes)
  return addonFindings(file, { ...of, version: '1.2.3' })
}

test('an addon for Windows needs only what each Windows has', t => {
  const windows = { platform: 'win32', arch: 'x64', libc: 'msvc' }
  t.deepEqual(findings(t, portableExecutable(['KERNEL32.dll', 'api-ms-win-core-synch-l1-2-0.dll']), windows), [])
  t.deepEqual(findings(t, portableExecutable(['ws2_32.dll', 'VCRUNTIME140.dll']), windows), [
    'its addon needs VCRUNTIME140.dll'
  ])
  t.regex(findings(t, portableExecutable([], 43620), windows).join(), /is for win32 arm64/)
})

test('an addon for macOS needs only what each macOS has, from the oldest that Node.js runs on', t => {
  const mac = { platform: 'darwin', arch: 'arm64' }
  t.deepEqual(findings(t, machO('11.0', ['/usr/lib/libSystem.B.dylib']), mac), [])
  t.deepEqual(findings(t, machO('14.2', ['/usr/lib/libSystem.B.dylib', '/opt/homebrew/lib/libssl.3.dylib']), mac), [
    'its addon needs macos 14.2, and 11.0 is the oldest to support',
    'its addon needs /opt/homebrew/lib/libssl.3.dylib'
  ])
})

/** A library with one section, which has the names of the libraries that it imports. */
function portableExecutable(imports: string[], machine = 34404) {
  const bytes = Buffer.alloc(2048)
  const [header, section, address] = [64, 1024, 0x1000]
  const optional = header + 24
  bytes.write('MZ')
  bytes.writeUInt32LE(header, 0x3c)
  bytes.write('PE', header)
  bytes.writeUInt16LE(machine, header + 4)
  bytes.writeUInt16LE(1, header + 6)
  bytes.writeUInt16LE(240, header + 20)
  for (const [field, value] of [1024, address, 1024, section].entries())
    bytes.writeUInt32LE(value, optional + 240 + 8 + field * 4)
  bytes.writeUInt32LE(address, optional + 112 + 8)
  for (const [index, name] of imports.entries()) {
    bytes.write(name, section + 512 + index * 64)
    bytes.writeUInt32LE(address + 512 + index * 64, section + index * 20 + 12)
  }
  return bytes
}

function machO(minimum: string, libraries: string[]) {
  const bytes = Buffer.alloc(1024)
  const [major = 0, minor = 0] = minimum.split('.').map(Number)
  for (const [field, value] of [0xfeedfacf, 16777228, 0, 6, 1 + libraries.length].entries())
    bytes.writeUInt32LE(value, field * 4)
  for (const [field, value] of [50, 24, 1, major * 65536 + minor * 256].entries())
    bytes.writeUInt32LE(value, 32 + field * 4)
  for (const [index, name] of libraries.entries()) {
    const at = 56 + index * 64
    for (const [field, value] of [12, 64, 24].entries()) bytes.writeUInt32LE(value, at + field * 4)
    bytes.write(name, at + 24)
  }
  return bytes
}
