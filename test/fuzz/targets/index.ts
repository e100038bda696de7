// Every fuzz target, by name.
import type { Target } from '../engine.ts';
import { bundleTargets } from './bundle.ts';
import { certificateTargets } from './certificates.ts';
import { nativeTargets } from './native.ts';
import { policyTargets } from './policy.ts';
import { sniOracle } from './sni-oracle.ts';
import { textTargets } from './text.ts';
import { tlsTargets } from './tls.ts';

export const targets: readonly Target[] = [...tlsTargets, sniOracle, ...textTargets, ...certificateTargets, ...policyTargets, ...nativeTargets, ...bundleTargets];
