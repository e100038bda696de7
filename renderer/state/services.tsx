// Hands bridge and stores to the screens. Not for logic.
import { createContext, use } from 'react';
import type { ReactNode } from 'react';
import { useStore } from 'zustand';
import type { Bridge } from '../../electron/contract/bridge.ts';
import type { AgentStore, AgentView } from './agent-store.ts';

type ServiceSet = { readonly bridge: Bridge; readonly agent: AgentStore };

const Context = createContext<ServiceSet | null>(null);

/** Puts bridge and agent store within reach of every component below. */
export function Services({ bridge, agent, children }: ServiceSet & { readonly children: ReactNode }) {
  return <Context value={{ bridge, agent }}>{children}</Context>;
}

/** The bridge to the agent. */
export function useBridge(): Bridge {
  return useServices().bridge;
}

/** A part of what is known about the agent; renders again when that part changes. */
export function useAgent<T>(select: (view: AgentView) => T): T {
  return useStore(useServices().agent, select);
}

function useServices(): ServiceSet {
  const services = use(Context);
  if (services === null) throw new Error('Services is missing above this component');
  return services;
}
