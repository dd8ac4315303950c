import test from 'ava'
import { backoff, defaultSchedule, notBehind } from '../../dist/deliver/schedule.js'

const [second, hour] = [1000, 3_600_000]

test('delays go from 30 s to 4 h, doubled each time, with half of it random', t => {
  const [least, most] = [() => 1, () => 0]
  t.is(backoff(1, defaultSchedule, least), 30 * second)
  t.is(backoff(1, defaultSchedule, most), 60 * second)
  t.is(backoff(2, defaultSchedule, least), 60 * second)
  t.is(backoff(9, defaultSchedule, most), 4 * hour)
  t.is(backoff(10_000, defaultSchedule, most), 4 * hour)
  t.is(backoff(10_000, defaultSchedule, least), 2 * hour)
})

test('an attempt precedes each warning and bounce', t => {
  const none = { unwarned: undefined, any: undefined }
  t.is(notBehind(10 * hour, hour, none, defaultSchedule), 10 * hour)
  t.is(notBehind(10 * hour, hour, { unwarned: 0, any: 0 }, defaultSchedule), 4 * hour)
  t.is(notBehind(10 * hour, 5 * hour, { unwarned: 0, any: 0 }, defaultSchedule), 10 * hour)
  t.is(notBehind(121 * hour, 119 * hour, { unwarned: undefined, any: 0 }, defaultSchedule), 120 * hour)
})
