// What needs the types of the whole program, which biome does not know: everything else is biome's.
import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['src/generated', 'dist*'] },
  {
    files: ['src/**/*.ts', '__test__/**/*.ts', 'examples/**/*.ts'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { checkThenables: true }],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }]
    }
  }
)
