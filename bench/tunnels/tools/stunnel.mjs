// TLS 1.3 on both sides, a TLS handshake per connection.
import { writeFileSync } from 'node:fs'

export async function start({ target, port, dir, run, sh, freePort, portUp }) {
  const tls = await freePort()
  sh('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=bench',
    '-days',
    '9',
    '-keyout',
    `${dir}/key`,
    '-out',
    `${dir}/cert`
  ])
  for (const [name, body] of Object.entries({
    far: `cert=${dir}/cert\nkey=${dir}/key\naccept=127.0.0.1:${tls}\nconnect=127.0.0.1:${target}\n`,
    near: `client=yes\nCAfile=${dir}/cert\nverifyPeer=yes\naccept=127.0.0.1:${port}\nconnect=127.0.0.1:${tls}\n`
  })) {
    writeFileSync(
      `${dir}/${name}`,
      `foreground=yes\npid=\ndebug=3\nsocket=l:TCP_NODELAY=1\nsocket=r:TCP_NODELAY=1\n[t]\n${body}`
    )
    run('stunnel4', [`${dir}/${name}`])
    if (name === 'far') await portUp(tls)
  }
}
