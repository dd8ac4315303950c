// A relay that encrypts with the Noise protocol between its two sides.
import { writeFileSync } from 'node:fs'

export async function start({ target, port, dir, run, sh, freePort, portUp }) {
  const hub = await freePort(),
    [, priv, pub] = sh('rathole', ['--genkey']).match(/Private Key:\s*(\S+)\s*Public Key:\s*(\S+)/)
  const noise = (side, key) => `[${side}.transport]\ntype = "noise"\n[${side}.transport.noise]\n${key}\n`
  writeFileSync(
    `${dir}/s.toml`,
    `[server]\nbind_addr = "127.0.0.1:${hub}"\ndefault_token = "t"\n${noise('server', `local_private_key = "${priv}"`)}[server.services.x]\nbind_addr = "127.0.0.1:${port}"\n`
  )
  writeFileSync(
    `${dir}/c.toml`,
    `[client]\nremote_addr = "127.0.0.1:${hub}"\ndefault_token = "t"\n${noise('client', `remote_public_key = "${pub}"`)}[client.services.x]\nlocal_addr = "127.0.0.1:${target}"\n`
  )
  run('rathole', ['--server', `${dir}/s.toml`])
  await portUp(hub)
  run('rathole', ['--client', `${dir}/c.toml`])
}
