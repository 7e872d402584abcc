// Does what users of jmap-jam do. Each line in is {do, with}, each line out {gives} or {fails}.

import { createInterface } from "node:readline";
import { JamClient } from "jmap-jam";

const [sessionUrl, bearerToken] = process.argv.slice(2);
const jam = new JamClient({ sessionUrl, bearerToken });

// It derives the capabilities of mail from the methods; others are named.
const contacts = { using: ["urn:ietf:params:jmap:contacts"] };

const deeds = {
  async session() {
    const { username, capabilities, state } = await jam.session;
    const accountId = await jam.getPrimaryAccount();
    return { username, capabilities: Object.keys(capabilities), state, accountId };
  },

  async mailboxes({ accountId }) {
    const [{ list }, { sessionState }] = await jam.api.Mailbox.get({ accountId });
    return { list, sessionState };
  },

  // One request: query, the messages found, their threads and what matched.
  async search({ accountId, filter }) {
    const [{ found, emails, threads, snippets }] = await jam.requestMany((t) => {
      const found = t.Email.query({
        accountId,
        filter,
        sort: [{ property: "receivedAt", isAscending: false }],
        collapseThreads: true,
        calculateTotal: true,
        limit: 10,
      });
      const emails = t.Email.get({
        accountId,
        ids: found.$ref("/ids"),
        properties: ["id", "threadId", "subject", "from", "keywords", "preview"],
      });
      const threads = t.Thread.get({ accountId, ids: emails.$ref("/list/*/threadId") });
      const snippets = t.SearchSnippet.get({ accountId, filter, emailIds: found.$ref("/ids") });
      return { found, emails, threads, snippets };
    });
    return {
      total: found.total,
      ids: found.ids,
      emails: emails.list,
      threads: threads.list,
      snippets: snippets.list,
    };
  },

  async page({ accountId, filter }) {
    const [{ ids, queryState, canCalculateChanges }] = await jam.api.Email.query({ accountId, filter });
    const [{ state }] = await jam.api.Email.get({ accountId, ids: [] });
    return { ids, queryState, canCalculateChanges, state };
  },

  async changesSince({ accountId, filter, state, queryState }) {
    const [changes] = await jam.api.Email.changes({ accountId, sinceState: state });
    const [query] = await jam.api.Email.queryChanges({ accountId, filter, sinceQueryState: queryState });
    return { changes, query };
  },

  async update({ accountId, id, patch }) {
    const [{ updated, notUpdated }] = await jam.api.Email.set({ accountId, update: { [id]: patch } });
    return { updated, notUpdated };
  },

  async destroy({ accountId, id }) {
    const [{ destroyed, notDestroyed }] = await jam.api.Email.set({ accountId, destroy: [id] });
    return { destroyed, notDestroyed };
  },

  async draft({ accountId, mailboxId, from, to, subject, text, html, file }) {
    const bytes = Buffer.from(file.base64, "base64");
    const blob = await jam.uploadBlob(accountId, new Blob([bytes], { type: file.type }));
    const [{ created, notCreated }] = await jam.api.Email.set({
      accountId,
      create: {
        draft: {
          mailboxIds: { [mailboxId]: true },
          keywords: { $draft: true, $seen: true },
          from: [from],
          to: [to],
          subject,
          textBody: [{ partId: "text", type: "text/plain" }],
          htmlBody: [{ partId: "html", type: "text/html" }],
          bodyValues: { text: { value: text }, html: { value: html } },
          attachments: [{ blobId: blob.blobId, type: blob.type, name: file.name, disposition: "attachment" }],
        },
      },
    });
    return { blob, created, notCreated };
  },

  async importMessage({ accountId, mailboxId, base64 }) {
    const blob = await jam.uploadBlob(accountId, Buffer.from(base64, "base64"));
    const [{ created, notCreated }] = await jam.api.Email.import({
      accountId,
      emails: { one: { blobId: blob.blobId, mailboxIds: { [mailboxId]: true }, keywords: { $seen: true } } },
    });
    return { created, notCreated };
  },

  async download({ accountId, blobId, mimeType, fileName }) {
    const response = await jam.downloadBlob({ accountId, blobId, mimeType, fileName });
    return {
      type: response.headers.get("content-type"),
      base64: Buffer.from(await response.arrayBuffer()).toString("base64"),
    };
  },

  async identities({ accountId }) {
    const [{ list }] = await jam.api.Identity.get({ accountId });
    return list;
  },

  async renameIdentity({ accountId, id, name }) {
    const [{ updated }] = await jam.api.Identity.set({ accountId, update: { [id]: { name } } });
    return updated;
  },

  async goOnVacation({ accountId, subject, textBody }) {
    const update = { singleton: { isEnabled: true, subject, textBody } };
    const [{ updated }] = await jam.api.VacationResponse.set({ accountId, update });
    const [{ list }] = await jam.api.VacationResponse.get({ accountId });
    return { updated, list };
  },

  async addressBooks({ accountId }) {
    const [{ list }] = await jam.api.AddressBook.get({ accountId }, contacts);
    return list;
  },

  async setCards({ accountId, ...changes }) {
    const [{ created, updated, destroyed, notCreated }] = await jam.api.ContactCard.set(
      { accountId, ...changes },
      contacts,
    );
    return { created, updated, destroyed, notCreated };
  },

  // One request: the cards found while somebody types, and what is shown of them.
  async complete({ accountId, typed }) {
    const [{ found, cards }] = await jam.requestMany((t) => {
      const found = t.ContactCard.query({
        accountId,
        filter: { text: `${typed}*` },
        sort: [{ property: "name/surname" }],
        limit: 10,
      });
      const cards = t.ContactCard.get({ accountId, ids: found.$ref("/ids"), properties: ["name", "emails"] });
      return { found, cards };
    }, contacts);
    return { ids: found.ids, cards: cards.list };
  },

  async unknownMailbox({ accountId }) {
    const [{ notUpdated }] = await jam.api.Mailbox.set({ accountId, update: { nowhere: { name: "x" } } });
    return notUpdated;
  },

  async wrongAccount() {
    await jam.api.Mailbox.get({ accountId: "nowhere" });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let answer;
  try {
    answer = { gives: (await deeds[asked.do](asked.with)) ?? null };
  } catch (error) {
    answer = { fails: error instanceof Error ? { type: `${error}: ${error.cause}` } : error };
  }
  console.log(JSON.stringify(answer));
}
