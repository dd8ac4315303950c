import test from 'ava'
import { BoundedMap } from '../../dist/modules/util/bounded-map.js'

test('an entry beyond the capacity drops the oldest', t => {
  const dropped: string[] = []
  const map = new BoundedMap<number, string>(2, value => dropped.push(value))
  map.set(1, 'one')
  map.set(2, 'two')
  t.deepEqual(dropped, [])
  map.set(3, 'three')
  t.deepEqual(dropped, ['one'])
  t.deepEqual(
    [1, 2, 3].map(key => map.get(key)),
    [undefined, 'two', 'three']
  )
})

test('setting an entry again makes it the newest and drops its previous value', t => {
  const dropped: string[] = []
  const map = new BoundedMap<number, string>(2, value => dropped.push(value))
  map.set(1, 'one')
  map.set(2, 'two')
  map.set(1, 'again')
  map.set(3, 'three')
  t.deepEqual(dropped, ['one', 'two'])
  t.deepEqual(
    [1, 2, 3].map(key => map.get(key)),
    ['again', undefined, 'three']
  )
})

test('clear drops every entry once', t => {
  const dropped: string[] = []
  const map = new BoundedMap<number, string>(2, value => dropped.push(value))
  map.set(1, 'one')
  map.set(2, 'two')
  map.clear()
  map.clear()
  t.deepEqual(dropped, ['one', 'two'])
  t.is(map.get(1), undefined)
})

test('a map without a callback is bounded', t => {
  const map = new BoundedMap<number, number>(3)
  for (let key = 0; key < 100; key++) map.set(key, key)
  const left = Array.from({ length: 100 }, (_, key) => map.get(key)).filter(value => value !== undefined)
  t.deepEqual(left, [97, 98, 99])
})

test('a used entry is not the next one to be dropped', t => {
  const dropped: string[] = []
  const map = new BoundedMap<string, string>(3, value => dropped.push(value))
  for (const key of ['a', 'b', 'c']) map.set(key, key.toUpperCase())
  t.is(map.get('a'), 'A')
  map.set('d', 'D')
  t.deepEqual(dropped, ['B'])
  t.is(map.get('b'), undefined)
  t.deepEqual(
    ['a', 'c', 'd'].map(key => map.get(key)),
    ['A', 'C', 'D']
  )
})
