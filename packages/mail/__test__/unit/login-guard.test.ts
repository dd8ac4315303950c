import test from 'ava'
// The guard itself: its delays in a hundredth of the time.
import { LoginGuard } from '../../dist/login-guard.js'

const wrong = async () => undefined
const right = async () => true

async function fail(guard: LoginGuard, times: number, address: string, user: string): Promise<void> {
  await Promise.all(Array.from({ length: times }, () => guard.check(address, user, wrong)))
}

test('the delay doubles up to eight units, and the correct password works', async t => {
  const guard = new LoginGuard(50)
  await fail(guard, 10, '192.0.2.1', 'ada')
  for (const units of [1, 2, 4, 8, 8]) {
    const started = performance.now()
    // A wrong password takes one unit more.
    t.is(await guard.check('192.0.2.1', 'ada', wrong), undefined)
    t.true(performance.now() - started > (units + 1) * 50 - 5, `${units}`)
  }
  t.true(await guard.check('192.0.2.1', 'ada', right))
})

test('delayed attempts are bounded', async t => {
  const guard = new LoginGuard(50)
  await fail(guard, 14, '192.0.2.1', 'ada')
  const attempts = Array.from({ length: 20 }, () => guard.check('192.0.2.1', 'ada', wrong))
  const answers = await Promise.all(attempts)
  t.is(answers.filter(answer => answer === 'busy').length, 12)
  t.true(await guard.check('192.0.2.1', 'ada', right))
})

test('failures at many addresses do not delay the user at an address that it has logged in from', async t => {
  const guard = new LoginGuard(20)
  t.true(await guard.check('192.0.2.1', 'ada', right))
  for (let at = 0; at < 120; at += 40)
    await Promise.all(Array.from({ length: 40 }, (_, each) => fail(guard, 1, `198.51.100.${at + each}`, 'ada')))
  // A closed guard refuses what it would delay.
  guard.close()
  t.true(await guard.check('192.0.2.1', 'ada', right))
  t.is(await guard.check('192.0.2.2', 'ada', right), 'busy')
})

test('one address can guess for few users only, except loopback', async t => {
  const afterFailures = async (address: string) => {
    const guard = new LoginGuard(20)
    for (let at = 0; at < 31; at += 4)
      await Promise.all([0, 1, 2, 3].map(each => fail(guard, 1, address, `${at + each}`)))
    guard.close()
    return await guard.check(address, 'ada', right)
  }
  t.is(await afterFailures('192.0.2.1'), 'busy')
  t.true(await afterFailures('127.0.0.1'))
})

test('closing the guard ends its delays', async t => {
  const guard = new LoginGuard(10_000)
  const failing = fail(guard, 4, '127.0.0.1', 'ada')
  await new Promise(resolve => setTimeout(resolve, 20))
  guard.close()
  await failing
  t.pass()
})
