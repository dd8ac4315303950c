// Invitations: reserved names, and forgotten peers.
import test, { type ExecutionContext } from 'ava'
import { createEndpoint, type Endpoint, SecretKey } from 'fastn-net'
import { type Account, memoryStore, openAccount } from 'fastn-net/account'

async function side(t: ExecutionContext): Promise<{ endpoint: Endpoint; account: Account }> {
  const key = SecretKey.generate()
  const endpoint = await createEndpoint({ key, network: 'loopback', closeTimeout: 500 })
  t.teardown(() => endpoint.close())
  const account = await openAccount(endpoint, { store: memoryStore(), key })
  t.teardown(() => account.close())
  return { endpoint, account }
}

test('a forgotten peer cannot reuse its invitation', async t => {
  const [inviting, invited] = [await side(t), await side(t)]
  const { text } = await inviting.account.invite({ name: 'bob', uses: 2 })
  await invited.account.redeem(text, { name: 'alice' })
  await inviting.account.update(draft => {
    delete draft.aliases.bob
  })
  await t.throwsAsync(invited.account.redeem(text, { name: 'alice' }), { code: 'ERR_UNAUTHORIZED' })
  t.is(inviting.account.identify(invited.endpoint.id52).alias, undefined)
})

test('a group name cannot be an alias, on either side', async t => {
  const [inviting, invited] = [await side(t), await side(t)]
  for (const { account } of [inviting, invited])
    await account.update(draft => {
      draft.groups.friends = []
    })
  const wrong = { code: 'ERR_INVALID_ARGUMENT', message: /another name than 'friends', which is a group/ }
  await t.throwsAsync(inviting.account.invite({ name: 'friends' }), wrong)
  const { text, id } = await inviting.account.invite({ name: 'bob' })
  await t.throwsAsync(invited.account.redeem(text, { name: 'friends' }), wrong)
  t.is(inviting.account.data.invitations[id]?.uses, 1)
})
