import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { dovecotConfiguration, dovecotUsers } from 'fastn-mail'
import { ImapClient } from '../helpers/imap-client.js'

/** Debian's package of the oracle. */
export const dovecotPackage = 'dovecot-imapd'

/** A Dovecot that runs. */
export interface Dovecot {
  readonly port: number
  /** Folder of the Maildir of the user `user`. */
  readonly maildir: string
}

/** The system's user that Dovecot runs as, if Dovecot is installed, is 2.3 and can be run: as root. */
function systemUser(): { name: string; uid: number; gid: number } | undefined {
  const { status, stdout } = spawnSync('dovecot', ['--version'], { encoding: 'utf8' })
  if (status !== 0 || !stdout.startsWith('2.3') || process.getuid?.() !== 0) return undefined
  const id = (option: string) => Number(spawnSync('id', [option, 'mail'], { encoding: 'utf8' }).stdout)
  return { name: 'mail', uid: id('-u'), gid: id('-g') }
}

/** Starts Dovecot with the configuration of this package. Resolves to `undefined` if it cannot be run here. */
export async function startDovecot(t: ExecutionContext): Promise<Dovecot | undefined> {
  const user = systemUser()
  if (!user) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'fastn-mail-dovecot-'))
  await chmod(folder, 0o755)
  const maildir = join(folder, 'maildir')
  const runFolder = join(folder, 'run')
  for (const path of [maildir, runFolder]) await mkdir(path)
  const port = await freePort()
  const usersFile = join(folder, 'users')
  const { name, uid, gid } = user
  await writeFile(usersFile, dovecotUsers([{ name: 'user', folder: maildir, password: '{PLAIN}pass', uid, gid }]))
  const configuration = join(folder, 'dovecot.conf')
  await writeFile(configuration, dovecotConfiguration({ version: '2.3', runFolder, usersFile, systemUser: name, port }))
  spawnSync('chown', ['-R', 'mail:mail', folder])
  const child = spawn('dovecot', ['-F', '-c', configuration], { stdio: 'ignore' })
  t.teardown(async () => {
    child.kill()
    if (child.exitCode === null) await once(child, 'exit')
    await rm(folder, { recursive: true, force: true })
  })
  await ready(port)
  return { port, maildir }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

async function ready(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      const client = await ImapClient.connect(port)
      client.close()
      return
    } catch (error) {
      if (tries === 100) throw error
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }
}
