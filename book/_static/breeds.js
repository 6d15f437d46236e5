// Written by book/_ext/static_files.py from datasets.breeds(); do not edit.
globalThis.BREEDS = [
  {"name": "golden retriever", "share": 0.3, "traits": [0.75, 0.55, 0.55, 0.75, 0.8, 0.7, 0.9]},
  {"name": "labrador", "share": 0.18, "traits": [0.75, 0.55, 0.5, 0.7, 0.65, 0.15, 0.2]},
  {"name": "French bulldog", "share": 0.12, "traits": [0.25, 0.2, 0.05, 0.1, 0.05, 0.45, 0.15]},
  {"name": "German shepherd", "share": 0.09, "traits": [0.85, 0.65, 0.7, 0.05, 0.75, 0.35, 0.6]},
  {"name": "poodle", "share": 0.07, "traits": [0.5, 0.75, 0.6, 0.85, 0.3, 0.98, 0.15]},
  {"name": "beagle", "share": 0.06, "traits": [0.4, 0.35, 0.45, 0.95, 0.6, 0.55, 0.75]},
  {"name": "dachshund", "share": 0.05, "traits": [0.45, 0.0, 0.75, 0.9, 0.6, 0.2, 0.8]},
  {"name": "husky", "share": 0.04, "traits": [0.7, 0.6, 0.5, 0.0, 0.9, 0.75, 0.0]},
  {"name": "corgi", "share": 0.03, "traits": [0.5, 0.05, 0.45, 0.0, 0.05, 0.65, 0.95]},
  {"name": "dalmatian", "share": 0.03, "traits": [0.65, 0.8, 0.5, 0.65, 0.7, 1.0, 0.0]},
  {"name": "greyhound", "share": 0.02, "traits": [0.75, 1.0, 0.9, 0.4, 1.0, 0.5, 0.05]},
  {"name": "otterhound", "share": 0.01, "traits": [0.9, 0.5, 0.65, 1.0, 0.55, 0.4, 0.4]},
];
