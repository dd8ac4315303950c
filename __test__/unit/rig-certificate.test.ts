// A rig's certificate for localhost, verified by OpenSSL.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import test from 'ava'
import { createCertificate, localCertificate } from '../../dist/modules/rig/certificate.js'

test('a client that trusts the certificate accepts a server of localhost, 127.0.0.1 and ::1, and of no other name', async t => {
  // The serial number and the signature are random, and so are their lengths.
  for (let count = 0; count < 50; count++) {
    const { cert, key } = createCertificate(new Date())
    const found = new X509Certificate(cert)
    t.true(found.verify(found.publicKey))
    t.true(found.checkPrivateKey(createPrivateKey(key)))
  }
  const { cert, key } = createCertificate(new Date())
  const server = createServer({ cert, key }, socket => socket.end('hello')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const { port } = server.address() as AddressInfo
  for (const servername of ['localhost', undefined]) {
    const socket = connect({ host: '127.0.0.1', port, ca: cert, ...(servername !== undefined && { servername }) })
    await once(socket, 'secureConnect')
    t.true(socket.authorized)
    socket.destroy()
  }
  const found = new X509Certificate(cert)
  t.is(found.checkHost('localhost'), 'localhost')
  t.is(found.checkIP('::1'), '::1')
  t.is(found.checkHost('example.com'), undefined)
  t.false(found.ca)
  const days = (Date.parse(found.validTo) - Date.parse(found.validFrom)) / 86_400_000
  t.is(days, 800)
  t.true(Date.parse(found.validFrom) < Date.now())
})

test('the certificate is created once, and replaced when it is damaged or about to expire', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-tls-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const first = await localCertificate(folder)
  t.deepEqual(await localCertificate(folder), first)
  if (process.platform !== 'win32') t.is(statSync(join(folder, 'localhost.key')).mode & 0o777, 0o600)
  const old = createCertificate(new Date(Date.now() - 780 * 86_400_000))
  writeFileSync(join(folder, 'localhost.crt'), old.cert)
  writeFileSync(join(folder, 'localhost.key'), old.key)
  const second = await localCertificate(folder)
  t.not(second.cert, old.cert)
  writeFileSync(join(folder, 'localhost.key'), first.key)
  t.not((await localCertificate(folder)).cert, second.cert)
})
