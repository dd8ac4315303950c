import test from 'ava'

type Layers = readonly (readonly string[])[]
type Files = Record<string, string>

const script: string = new URL('../../scripts/layers.mjs', import.meta.url).href
const { LAYERS, problems } = (await import(script)) as {
  LAYERS: Record<string, Layers>
  problems: (files: Files, layers: Layers) => string[]
}

const list: Layers = [['low'], ['left', 'right'], ['high']]
const file = (text: string): Files => ({
  'low.rs': '',
  'left/mod.rs': 'mod a;\nmod b;',
  'left/a.rs': text,
  'left/b.rs': '',
  'right.rs': '',
  'high.rs': ''
})
const found = (text: string, more: Files = {}) => problems({ ...file(text), ...more }, list)

test('imports of lower layers, of a parent and of a sibling pass', t => {
  t.deepEqual(
    found(
      'use crate::low::{Thing, other::{self, Deep as Name}};\nuse super::{Left, b::B};\nfn f() { crate::low::f() }'
    ),
    []
  )
})

test('an import of the same or a higher layer fails, wherever it occurs', t => {
  const texts = [
    'use crate::{low::Thing, high::High};',
    'use crate::right::Right;',
    'fn f() { crate::high::f() }',
    'use super::super::high::High;',
    'mod tests {\n    use crate::high::High;\n}'
  ]
  for (const text of texts) t.is(found(text).length, 1, text)
})

test('a cycle among siblings fails', t => {
  t.deepEqual(found('use super::b::B;', { 'left/b.rs': 'use super::a::A;' }), [
    'left::a -> left::b -> left::a: a circle'
  ])
})

test('a re-export of lib.rs and a module without a layer fail', t => {
  t.is(found('use crate::Endpoint;').length, 1)
  t.is(found('use crate::low::Thing;', { 'new.rs': 'use crate::low::Thing;' }).length, 1)
})

test('comments, strings and characters are not imports', t => {
  const text = `/// See [\`crate::high::High\`].\nconst A: &str = "https://crate::high::x"; // crate::high\nconst B: char = '"'; /* crate::high::y */`
  t.deepEqual(found(text), [])
  t.is(found(`${text}\nuse crate::high::High;`).length, 1)
})

test('no module has two layers', t => {
  for (const layers of Object.values(LAYERS)) t.is(new Set(layers.flat()).size, layers.flat().length)
})
