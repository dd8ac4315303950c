// Invitations of a rig's accounts: listing, revocation, and errors about names.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ava from 'ava'
import { cli } from './support/cli.js'
import { type RunningRig, rig, rigHome, runRig } from './support/rig.js'

/** The file of the owner's account. */
function accountFile({ home, owner }: RunningRig): string {
  return join(home, 'accounts', String(owner.id52), 'account.json')
}

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

test('invitations are listed and revoked, by name and by id', async t => {
  const [alice, bob] = [await runRig(t, await rigHome(t)), await runRig(t, await rigHome(t))]
  t.deepEqual(await rig(alice.home, 'invitations'), [])
  const [first] = await rig(alice.home, 'invite', 'bob', '--group', 'friends', '--uses', '2')
  const [second] = await rig(alice.home, 'invite', 'carol', '--expires', '1h')
  await rig(alice.home, 'invite', 'carol')
  await rig(bob.home, 'accept', 'alice', String(first?.text))
  const listed = await rig(alice.home, 'invitations')
  t.is(listed.length, 3)
  t.like(listed[0], { event: 'invitation', id: second?.id, name: 'carol', uses: 1, accepted: [] })
  t.like(
    listed.find(({ name }) => name === 'bob'),
    { uses: 1, groups: ['friends'], accepted: [{ peer: bob.owner.id52, alias: 'bob' }] }
  )
  const short = String(second?.id).slice(0, 12)
  const { lines } = await cli(['rig', 'invitations', '--home', alice.home])
  t.regex(lines[0] ?? '', new RegExp(`^carol ${short} 1 use, until \\d{4}-\\S+$`))
  t.true(lines.some(line => /^bob \w{12} 1 use, until \S+, groups friends, accepted by bob$/.test(line)))

  t.deepEqual(await rig(alice.home, 'revoke', short), [{ event: 'revoked', name: 'carol', id: second?.id }])
  t.like((await rig(bob.home, 'accept', 'alice', String(second?.text)))[0], { code: 'ERR_UNAUTHORIZED' })
  t.is((await rig(alice.home, 'revoke', 'carol')).length, 1)
  t.is((await rig(alice.home, 'invitations')).length, 1)
  const [unknown] = await rig(alice.home, 'revoke', 'carol')
  t.like(unknown, { event: 'error', code: 'ERR_INVALID_ARGUMENT' })
  t.regex(String(unknown?.message), /no invitation 'carol': see fastn-net rig invitations/)
})

test('a known peer keeps its alias, and a forgotten one cannot reuse an invitation', async t => {
  const [alice, bob] = [await runRig(t, await rigHome(t)), await runRig(t, await rigHome(t))]
  const [{ text } = { text: '' }] = (await rig(alice.home, 'invite', 'bob')) as { text?: unknown }[]
  t.like((await rig(bob.home, 'accept', 'ann', String(text)))[0], { alias: 'ann', known: false })
  const again = await cli(['rig', 'accept', 'ann2', String(text), '--home', bob.home])
  t.deepEqual(again.lines, ['accepted: ann: the account already knows the peer by this alias'])
  await rig(alice.home, 'forget', 'bob')
  t.like((await rig(bob.home, 'accept', 'ann', String(text)))[0], { event: 'error', code: 'ERR_UNAUTHORIZED' })
})

test('a peer cannot get the name of a group, and a taken alias is reported', async t => {
  const [alice, bob] = [await runRig(t, await rigHome(t)), await runRig(t, await rigHome(t))]
  const [{ text } = { text: '' }] = (await rig(alice.home, 'invite', 'bob', '--group', 'friends')) as {
    text?: unknown
  }[]
  for (const args of [
    ['invite', 'friends'],
    ['accept', 'friends', String(text)],
    ['invite', 'team', '--group', 'team']
  ]) {
    const [error] = await rig(alice.home, ...args)
    t.like(error, { event: 'error', code: 'ERR_INVALID_ARGUMENT' }, args.join(' '))
    t.regex(String(error?.message), /group/)
  }
  await rig(bob.home, 'accept', 'alice', String(text))
  const second = await cli(['rig', 'invite', 'bob', '--home', alice.home])
  t.regex(second.stderr, /already has a peer 'bob': another peer that accepts gets 'bob-2'/)
})

test('the queue of a rig without mail is an error', async t => {
  const { home } = await runRig(t, await rigHome(t))
  const [error] = await rig(home, 'queue')
  t.like(error, { event: 'error', code: 'ERR_INVALID_ARGUMENT' })
  t.regex(String(error?.message), /no mail: add \[mail\]/)
})

test('a failed command leaves no group', async t => {
  const alice = await runRig(t, await rigHome(t))
  for (const args of [
    ['invite', 'everyone', '--group', 'ghost'],
    ['accept', 'carl', 'fastn-invite-1.bad', '--group', 'ghost']
  ])
    t.like((await rig(alice.home, ...args))[0], { event: 'error' }, args.join(' '))
  await rig(alice.home, 'invite', 'carol', '--group', 'friends')
  t.deepEqual(JSON.parse(readFileSync(accountFile(alice), 'utf8')).groups, { friends: [] })
})

test('a rule for several peers holds for the others once one is forgotten', async t => {
  const [alice, bob] = [await runRig(t, await rigHome(t)), await runRig(t, await rigHome(t))]
  const [{ text } = { text: '' }] = (await rig(alice.home, 'invite', 'mallory')) as { text?: unknown }[]
  await rig(bob.home, 'accept', 'alice', String(text))
  alice.program.kill('SIGTERM')
  await alice.program.ended
  const file = accountFile(alice)
  const account = JSON.parse(readFileSync(file, 'utf8'))
  account.aliases.carol = account.aliases.mallory
  const rule = { protocol: 'Http', effect: 'deny' }
  account.rules = [
    { ...rule, who: ['mallory', 'carol'] },
    { ...rule, who: ['mallory'] },
    { ...rule, who: 'mallory' },
    { ...rule, who: 'carol' }
  ]
  writeFileSync(file, JSON.stringify(account))
  const again = await runRig(t, alice.home)
  await rig(again.home, 'forget', 'mallory')
  t.deepEqual(JSON.parse(readFileSync(file, 'utf8')).rules, [
    { ...rule, who: ['carol'] },
    { ...rule, who: 'carol' }
  ])
})
