// npm run test:servers             peers with a relay and DNS servers of their own; closes with 'N passed, N failed'
// npm run test:servers -- relay    those of __test__/servers/relay.test.ts; other arguments are ava's
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { namespace, skipWhere, unready } from './namespace.mjs'
import { prepare } from './prepare.mjs'
import { avaSuite, closeWithCount } from './suite.mjs'
import { at, needCargo, run, say } from './util.mjs'

const given = process.argv.slice(2)
const families = readdirSync(at('__test__', 'servers')).flatMap(name => /^(.+)\.test\.ts$/.exec(name)?.[1] ?? [])

// Those of the very iroh that the core is built on.
const release = /name = "iroh"\nversion = "(.+)"/.exec(readFileSync(at('Cargo.lock'), 'utf8'))[1]
const made = at('target', 'servers', release)

// A way out that leads nowhere, and a count of what would have taken it: whatever is sent to anywhere but this machine, or asked of
// the system's name server.
const resolver = at('target', 'servers', 'resolv.conf')
const outer = namespace(
  [
    'ip link add out type veth peer name void',
    'ip addr add 192.0.2.1/24 dev out',
    'ip addr add 2001:db8::1/64 dev out nodad',
    'ip link set void up',
    'ip link set out up',
    'ip route add default via 192.0.2.2',
    'ip -6 route add default via 2001:db8::2',
    `mount --bind "${resolver}" /etc/resolv.conf`,
    `nft 'table inet outside { counter sent {}; chain out { type filter hook output priority 0; oifname != "lo" meta l4proto { tcp, udp, icmp } counter name sent drop; }; }'`
  ].join(' && ')
)
mkdirSync(at('target', 'servers'), { recursive: true })
writeFileSync(resolver, 'nameserver 192.0.2.2\n')
skipWhere(unready(outer))

const chosen = given.map(name => (families.includes(name) ? `dist-test/servers/${name}.test.js` : name))
if (!chosen.some(name => name.startsWith('dist-test/'))) chosen.push('dist-test/servers/*.test.js')
closeWithCount()
await prepare({ tests: true })
install('iroh-relay', '--features', 'server')
install('iroh-dns-server')
// What both were compiled from is of no more use.
rmSync(at('target', 'servers', 'build'), { recursive: true, force: true })
process.env.FASTN_NET_TEST_SERVERS = `${made}/bin`
await avaSuite(['--timeout', '4m', ...chosen], outer)

/** Compiles a server, quickly rather than well; once for each release. */
function install(name, ...features) {
  if (existsSync(`${made}/bin/${name}`)) return
  needCargo()
  say(`${name} ${release} (takes minutes)`)
  const what = [name, '--version', release, '--locked', '--quiet', '--debug', ...features]
  const env = {
    ...process.env,
    CARGO_PROFILE_DEV_DEBUG: '0',
    CARGO_INCREMENTAL: '0',
    // One folder for both, as they share most of what they are made of.
    CARGO_TARGET_DIR: at('target', 'servers', 'build')
  }
  run('cargo', ['install', '--root', made, ...what], { env })
}
