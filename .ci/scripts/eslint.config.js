import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["static/vendor/**"] }, // of others, as they are
  {
    ...js.configs.recommended,
    files: ["static/**/*.js"],
    languageOptions: { globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error", reportUnusedInlineConfigs: "error" },
    rules: {
      ...js.configs.recommended.rules,
      "no-unused-vars": ["error", { args: "all", argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "all" }],
      "no-unused-expressions": ["error", { allowShortCircuit: true }],
      "no-else-return": "error",
      "no-shadow": "error",
      "no-useless-return": "error",
      "no-var": "error",
      eqeqeq: "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["static/page/theme.js"],
    languageOptions: { sourceType: "script" },
  },
];
