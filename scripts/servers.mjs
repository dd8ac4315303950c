// npm run test:servers             peers with their own relay and DNS servers; ends with 'N passed, N failed'
// npm run test:servers -- relay    only __test__/servers/relay.test.ts; other arguments go to ava
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { namespace, skipWhere, unready } from './namespace.mjs'
import { prepare } from './prepare.mjs'
import { avaSuite, closeWithCount } from './suite.mjs'
import { at, needCargo, run, say } from './util.mjs'

const given = process.argv.slice(2)
const families = readdirSync(at('__test__', 'servers')).flatMap(name => /^(.+)\.test\.ts$/.exec(name)?.[1] ?? [])

// The servers come from the iroh release that the core depends on.
const release = /name = "iroh"\nversion = "(.+)"/.exec(readFileSync(at('Cargo.lock'), 'utf8'))[1]
const made = at('target', 'servers', release)

// The default route and the name server lead to an interface that drops every packet. A counter records what the tests would have
// sent off this machine.
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
    // For nested namespaces: the two machines of share.test.ts, which reach nothing but a relay here.
    'mount -t tmpfs none /run && mkdir /run/netns',
    'ip addr add 10.9.0.1/32 dev lo',
    `nft 'table inet outside { counter sent {}; chain out { type filter hook output priority 0; oifname != { "lo", "share-alice", "share-bob" } meta l4proto { tcp, udp, icmp } counter name sent drop; }; }'`
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
// The build folder is no longer needed.
rmSync(at('target', 'servers', 'build'), { recursive: true, force: true })
process.env.FASTN_NET_TEST_SERVERS = `${made}/bin`
await avaSuite(['--timeout', '4m', ...chosen], outer)

/** Compiles a server once per release, without optimisation. */
function install(name, ...features) {
  if (existsSync(`${made}/bin/${name}`)) return
  needCargo()
  say(`${name} ${release} (takes minutes)`)
  const what = [name, '--version', release, '--locked', '--quiet', '--debug', ...features]
  const env = {
    ...process.env,
    CARGO_PROFILE_DEV_DEBUG: '0',
    CARGO_INCREMENTAL: '0',
    // Both servers share most dependencies, so they share a target folder.
    CARGO_TARGET_DIR: at('target', 'servers', 'build')
  }
  run('cargo', ['install', '--root', made, ...what], { env })
}
