// Rules that need the types of the whole program, and the order of the layers. biome has all other rules.
import tseslint from 'typescript-eslint'

// The folders of src, from the lowest up. The leaf modules beside them are below all folders. Each imports only lower ones, types included.
const layers = [
  'util',
  'native',
  'keys',
  'stream',
  'connection',
  'rpc',
  'http',
  'tunnel',
  'endpoint',
  'account',
  'node',
  'router',
  'rig',
  'cli'
]
const leaves = [
  'src/code-classes.ts',
  'src/errors.ts',
  'src/settings.ts',
  'src/types.ts',
  'src/version.ts',
  'src/util/**/*.ts'
]

// The folders of packages/mail/src. Of the files beside them, those in `mailTop` are above all folders, and the others below.
const mailLayers = ['store', 'mime', 'imap', 'dovecot', 'smtp', 'queue', 'receive', 'legacy', 'deliver', 'bounce']
const mailTop = ['mail-options', 'users', 'submission', 'mail']

const message = 'A layer imports lower layers only: see docs/contributing/map.md.'

/** Forbids the imports of higher layers to the files of a layer. */
function below(files, higher, more = []) {
  const patterns = [
    ...(higher.length > 0 ? [{ regex: `^(\\./|(\\.\\./)+)(${higher.join('|')})/`, message }] : []),
    { regex: '^(\\./|(\\.\\./)+)index\\.js$', message: 'Only users import the index.' },
    ...more
  ]
  return { files, rules: { 'no-restricted-imports': ['error', { patterns }] } }
}

/** The top files of packages/mail/src, imported from a folder or from beside them. */
function mailTopFrom(prefix) {
  return [{ regex: `^${prefix}(${mailTop.join('|')})\\.js$`, message }]
}

export default tseslint.config(
  { ignores: ['src/generated', 'dist*', 'packages/*/dist*'] },
  {
    files: ['src/**/*.ts', '__test__/**/*.ts', 'examples/**/*.ts', 'packages/**/*.ts'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        // The runner of node:test waits for its tests.
        { checkThenables: true, allowForKnownSafeCalls: [{ from: 'package', name: 'test', package: 'node:test' }] }
      ],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }]
    }
  },
  below(leaves, layers.slice(1)),
  // The command line uses the public API, like other programs. No other layer imports it.
  {
    files: ['src/cli/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(\\./|(\\.\\./)+)(?!(util/(display|nearest|size)|(account|node|router|rig|rig/services)/index)\\.js)(${layers.slice(0, -1).join('|')})/`,
              message:
                'The command line imports only the entries of the package, and rig/services: see docs/contributing/map.md.'
            }
          ]
        }
      ]
    }
  },
  ...layers.slice(1, -1).map((layer, at) => below([`src/${layer}/**/*.ts`], layers.slice(at + 2))),
  {
    ...below(['packages/mail/src/*.ts'], mailLayers, mailTopFrom('\\./')),
    ignores: [...mailTop, 'index'].map(file => `packages/mail/src/${file}.ts`)
  },
  ...mailLayers.map((layer, at) =>
    below([`packages/mail/src/${layer}/**/*.ts`], mailLayers.slice(at + 1), mailTopFrom('(\\.\\./)+'))
  )
)
