// npm run test:tunnels             real programs, directly and through tunnels; ends with 'N passed, N failed'
// npm run test:tunnels -- git      only __test__/tunnels/git.test.ts; other arguments go to ava
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { namespace, skipWhere, unready } from './namespace.mjs'
import { prepare } from './prepare.mjs'
import { avaSuite, closeWithCount } from './suite.mjs'
import { at } from './util.mjs'

const given = process.argv.slice(2)
const families = readdirSync(at('__test__', 'tunnels')).flatMap(name => /^(.+)\.test\.ts$/.exec(name)?.[1] ?? [])

// PostgreSQL and sshd refuse to run as root, or need more setup. So the tests run as another user, who exists only in the namespace.
const user = 'tester'
const id = userInfo().uid === 0 ? 1000 : userInfo().uid
const passwd = at('target', 'tunnels', 'passwd')
// A DNS server of the tests answers look-ups.
const resolver = at('target', 'tunnels', 'resolv.conf')
mkdirSync(at('target', 'tunnels'), { recursive: true })
writeFileSync(passwd, `${user}:x:${id}:${id}::/:/bin/sh\n`)
writeFileSync(resolver, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
const asUser = ['unshare', '--user', `--map-user=${id}`, `--map-group=${id}`]
const setUp = [
  `mount --bind "${passwd}" /etc/passwd`,
  `mount --bind "${resolver}" /etc/resolv.conf`,
  'echo 53 > /proc/sys/net/ipv4/ip_unprivileged_port_start'
]
const outer = [...namespace(setUp.join(' && ')), ...asUser]
skipWhere(unready(outer))

const chosen = given.map(name => (families.includes(name) ? `dist-test/tunnels/${name}.test.js` : name))
if (!chosen.some(name => name.startsWith('dist-test/'))) chosen.push('dist-test/tunnels/*.test.js')
closeWithCount()
await prepare({ tests: true })
process.env.FASTN_NET_TEST_TUNNELS = user
await avaSuite(['--timeout', '2m', ...chosen], outer)
