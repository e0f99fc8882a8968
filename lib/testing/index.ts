// Conformance
export {
  scrivenerConformance,
  type ConformanceOptions,
  type ConformanceReport,
  type ConformanceTest,
} from './scrivener-conformance';
export type { ConformanceCreateOptions, ConformanceSubject } from './conformance-subject';
export type { ConformanceEntry, JsonValue } from './conformance-entry';
export type { ConformanceFeature, ConformanceSupports } from './conformance-supports';
