// Names, groups and rules of an account, compared with simple, slow models.
import test from 'ava'
import fc from 'fast-check'
import type { Policy, PolicyRule } from 'fastn-net'
import { SecretKey } from 'fastn-net'
import type { AccountDraft, AccountRule, LeaseClaims } from 'fastn-net/account'
import { checkData } from '../../dist/modules/account/check.js'
import { compile } from '../../dist/modules/account/compile.js'
import { emptyData } from '../../dist/modules/account/data.js'
import { groupsOf, membersOf } from '../../dist/modules/account/groups.js'

const ids = Array.from({ length: 5 }, (_, at) => SecretKey.from(new Uint8Array(32).fill(at + 1)).id52)
const [a, b, c] = ids as [string, string, string, string, string]

const draft = (changes: Partial<AccountDraft>): AccountDraft => ({ ...emptyData(), ...changes })

test('groups hold aliases, other groups and ID52s', t => {
  const data = checkData(
    draft({
      aliases: { alice: { id52: a }, bob: { id52: b.toUpperCase() } },
      groups: { friends: ['alice', 'family'], family: ['bob', c], empty: [] }
    })
  )
  t.deepEqual([...membersOf(data, ['friends'])].sort(), [a, b, c].sort())
  t.deepEqual([...membersOf(data, ['empty'])], [])
  t.deepEqual(groupsOf(data, b), ['family', 'friends'])
  t.deepEqual(groupsOf(data, a), ['friends'])
  t.deepEqual(groupsOf(data, SecretKey.generate().id52), [])
})

test('a cycle of groups is refused and shown', t => {
  const message = /without a cycle: a → b → c → a/
  const groups = { a: ['b'], b: ['c'], c: ['a'] }
  t.throws(() => checkData(draft({ groups })), { code: 'ERR_INVALID_ARGUMENT', message })
  t.throws(() => checkData(draft({ groups: { self: ['self'] } })), { message: /self → self/ })
})

test('ten thousand nested groups are supported', t => {
  const names = Array.from({ length: 10_000 }, (_, at) => `g${at}`)
  const groups = Object.fromEntries(names.map((name, at) => [name, at === 9_999 ? [a] : [`g${at + 1}`]]))
  const data = checkData(draft({ groups }))
  t.deepEqual([...membersOf(data, ['g0'])], [a])
  t.is(groupsOf(data, a).length, 10_000)
})

test('invalid account data is rejected, with the place of the fault', t => {
  const wrong: [Partial<Record<keyof AccountDraft, unknown>>, RegExp][] = [
    [{ aliases: { 'no name': { id52: a } } }, /a name in account\.aliases must be/],
    [{ aliases: { everyone: { id52: a } } }, /another name than 'everyone'/],
    [{ aliases: { [a]: { id52: a } } }, /a name in account\.aliases/],
    [{ aliases: { alice: { id53: a } } }, /did you mean 'id52'/],
    [{ aliases: { x: { id52: a } }, groups: { x: [] } }, /account\.groups\.x must be no alias/],
    [{ groups: { friends: ['nobody'] } }, /no alias and no group 'nobody'/],
    [{ rules: [{ who: 'nobody', effect: 'allow' }] }, /account\.rules\[0\]\.who must be known/],
    [{ rules: [{ who: [], effect: 'allow' }] }, /rules\[0\]\.who/],
    [{ rules: {} }, /account\.rules must be an array/],
    [{ devices: { [a]: { name: 'phone', scope: ['a b'] } } }, /scope must be/],
    [{ surprise: 1 } as never, /unknown option 'surprise'/]
  ]
  for (const [changes, message] of wrong)
    t.throws(() => checkData({ ...emptyData(), ...changes } as AccountDraft), { code: 'ERR_INVALID_ARGUMENT', message })
  t.throws(() => checkData(draft({ aliases: { alice: { id52: 'x' } } })), { code: 'ERR_PEER_ADDRESS' })
  const many = Object.fromEntries(Array.from({ length: 10_001 }, (_, at) => [`g${at}`, []]))
  t.throws(() => checkData(draft({ groups: many })), { code: 'ERR_TOO_LARGE' })
})

test('names of Object.prototype are ordinary names', t => {
  const data = checkData(draft({ aliases: { constructor: { id52: a } }, groups: { toString: ['constructor'] } }))
  t.deepEqual([...membersOf(data, ['toString'])], [a])
  t.throws(() => checkData(draft({ groups: { g: ['valueOf'] } })), { message: /no group 'valueOf'/ })
})

// The streams of the model: protocol, kind of service, and name of the service.
const streams = [
  { protocol: 'Chat' },
  { protocol: 'Mail' },
  { protocol: 'Tcp', kind: 'Tcp', service: '' },
  { protocol: '{"tcp":"db"}', kind: 'Tcp', service: 'db' },
  { protocol: '{"http":"web"}', kind: 'Http', service: 'web' }
] as const
type Stream = { protocol: string; kind?: string; service?: string }

/** Whether a rule covers a stream, according to its documentation. */
function covers({ protocol, service }: { protocol?: unknown; service?: string | undefined }, stream: Stream): boolean {
  if (protocol !== undefined && protocol !== stream.protocol && protocol !== stream.kind) return false
  return service === undefined || service === stream.service
}

function inScope({ scope }: LeaseClaims, stream: Stream): boolean {
  if (scope === '*') return true
  return scope.some(part => part === stream.kind || part === stream.protocol || part === `service:${stream.service}`)
}

function firstOf(policy: Policy, peer: string, stream: Stream): PolicyRule | undefined {
  const isFor = ({ peers }: PolicyRule) => peers === undefined || new Set(peers as Iterable<string>).has(peer)
  return policy.rules.find(rule => isFor(rule) && covers(rule, stream))
}

const names = ['alice', 'bob', 'friends', 'family']
const who = fc.oneof(
  fc.constantFrom<AccountRule['who']>('everyone', 'devices', ...names, c),
  fc.subarray([...names, c], { minLength: 1 })
)
const service = fc.constantFrom('db', 'web')
const rule = fc.oneof(
  fc.record({
    who,
    protocol: fc.constantFrom('Chat', 'Mail', 'Tcp', 'Http'),
    effect: fc.constantFrom('allow', 'deny')
  }),
  fc.record({ who, service, effect: fc.constantFrom('allow', 'deny') }),
  fc.record({ who, protocol: fc.constantFrom('Tcp', 'Http'), service, effect: fc.constantFrom('allow', 'deny') }),
  fc.record({ who, effect: fc.constantFrom('allow', 'deny') })
) as fc.Arbitrary<AccountRule>
const account = fc.record({
  friends: fc.subarray(['alice', 'family', c]),
  family: fc.subarray(['bob', ids[3] as string]),
  rules: fc.array(rule, { maxLength: 8 }),
  devices: fc.subarray([ids[4] as string]),
  lease: fc.option(
    fc.record({
      account: fc.constantFrom(...ids.slice(0, 4)),
      scope: fc.oneof(fc.constant('*' as const), fc.subarray(['Chat', 'Tcp', 'service:web'], { minLength: 1 }))
    })
  )
})

test('a compiled policy decides like the rules of the account', t => {
  const own = new Set(['DeviceToAccount', 'AccountToAccount'])
  fc.assert(
    fc.property(account, ({ friends, family, rules, devices, lease }) => {
      const data = checkData(
        draft({
          aliases: { alice: { id52: a }, bob: { id52: b } },
          groups: { friends, family },
          rules,
          devices: Object.fromEntries(devices.map(id52 => [id52, { name: 'phone', scope: '*' as const }]))
        })
      )
      const claims = lease === null ? [] : [{ ...lease, device: ids[4] as string, from: 0, until: 1 }]
      const { policy, origins } = compile({ data, program: [], leases: claims, hasKey: true, now: 0 })
      for (const peer of ids) {
        for (const stream of streams) {
          const isFor = ({ who: of }: AccountRule, id52: string): boolean => {
            if (of === 'everyone') return true
            if (of === 'devices') return devices.includes(id52)
            return membersOf(data, typeof of === 'string' ? [of] : of).has(id52)
          }
          const acts = claims.filter(claim => claim.device === peer && inScope(claim, stream))
          const expected = rules.findIndex(
            each => covers(each, stream) && (isFor(each, peer) || acts.some(claim => isFor(each, claim.account)))
          )
          const found = firstOf(policy, peer, stream)
          if (typeof found?.protocol === 'string' && own.has(found.protocol)) return t.fail()
          const index = found === undefined ? undefined : origins[policy.rules.indexOf(found)]?.index
          t.is(index ?? -1, expected, JSON.stringify({ peer, stream, rules, lease }))
        }
      }
    }),
    { numRuns: 300 }
  )
})
