// Network namespaces (Linux only). Tests create and break networks in them, and count the packets that leave.
import { spawnSync } from 'node:child_process'

// npm puts package binaries first in the PATH, and one of them is also called nft.
process.env.PATH = process.env.PATH.split(':')
  .filter(folder => !folder.includes('node_modules'))
  .join(':')

/** Prints SKIPPED and exits with code 0 if the tests cannot run here. `why` is undefined if they can. */
export function skipWhere(why) {
  if (why === undefined) return
  console.log(`SKIPPED: ${why}.`)
  console.log('0 passed, 0 failed')
  process.exit()
}

/**
 * Command prefix that runs a program in its own user, network and mount namespace. It needs no root and changes nothing on the
 * system. `setUp` is a shell command that runs first in the namespace.
 */
export function namespace(setUp) {
  return ['unshare', '-rnm', 'sh', '-c', `ip link set lo up && ${setUp} && exec "$@"`, 'sh']
}

/** Explains why the namespace, or `probe` in it, does not work here, and how to fix it. `undefined` if it works. */
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
