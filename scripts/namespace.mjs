// Network namespaces, in which tests make and break networks, and see what leaves them: Linux only.
import { spawnSync } from 'node:child_process'

// npm puts the programs of packages first, and one of them is called nft as well.
process.env.PATH = process.env.PATH.split(':')
  .filter(folder => !folder.includes('node_modules'))
  .join(':')

/** Ends the script, well, where its tests cannot run. `why` is undefined where they can. */
export function skipWhere(why) {
  if (why === undefined) return
  console.log(`SKIPPED: ${why}.`)
  console.log('0 passed, 0 failed')
  process.exit()
}

/**
 * The command that runs another with a user, a network and a mount namespace of its own, so that root is not needed and nothing
 * of the system is touched. `setUp` is what a shell does first in there.
 */
export function namespace(setUp) {
  return ['unshare', '-rnm', 'sh', '-c', `ip link set lo up && ${setUp} && exec "$@"`, 'sh']
}

/** What keeps that namespace, and `probe` in it, from working here, and what to do about it; `undefined` when nothing does. */
export function unready([command, ...args], probe = ['true']) {
  if (process.platform !== 'linux') return 'Linux is needed'
  const tools = ['unshare', 'nsenter', 'setpriv', 'ip', 'tc', 'nft'].filter(name => !has(name))
  if (tools.length > 0)
    return `not found: ${tools.join(', ')}; install util-linux, iproute2 and nftables (apt-get, dnf, apk)`
  const { status, stderr } = spawnSync(command, [...args, ...probe], { encoding: 'utf8' })
  if (status !== 0) return `no network namespaces here (unshare -rnm): ${stderr.trim()}`
  return undefined
}

function has(name) {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0
}
