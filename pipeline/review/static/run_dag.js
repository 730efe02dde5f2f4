// Start a run of one of Airflow's DAGs, asked of Airflow's own API with the reader's own rights.
// A box: data-run-dag (the DAG), data-airflow-root (up to Airflow), data-approve (the task that waits for a person, if any).
(function () {
  "use strict";
  var EVERY = 4000;

  async function ask(address, how) {
    var answer = await fetch(address, Object.assign({ headers: { "Content-Type": "application/json" } }, how));
    var said = await answer.json().catch(function () { return {}; });
    if (answer.ok) return said;
    if (answer.status === 401) throw new Error("The session has ended: log in to Airflow again, then press once more.");
    if (answer.status === 403) throw new Error("This account may not start runs in Airflow. Ask for a user's role.");
    if (answer.status === 404) throw new Error("Airflow does not know the DAG yet; is its scheduler running?");
    throw new Error("Airflow refused (" + answer.status + "): " + (typeof said.detail === "string" ? said.detail : "see its log"));
  }

  function prepare(box) {
    var button = box.querySelector("button");
    if (!button) return;
    var told = box.querySelector(".told");
    var note = box.querySelector("input[name=note]");
    var dag = box.dataset.airflowRoot + "api/v2/dags/" + encodeURIComponent(box.dataset.runDag);
    var label = button.textContent;
    button.hidden = false;

    // place: where in Airflow the words lead, below its address; name: what the link is called
    function say(words, place, name) {
      told.textContent = words;
      if (!place) return;
      var link = document.createElement("a");
      link.href = box.dataset.airflowRoot + place;
      link.textContent = name;
      link.dataset.airflow = ""; // airflow_links.js leads it out of the frame
      told.append(" ", link);
    }

    function pageOf(run) { return "dags/" + encodeURIComponent(box.dataset.runDag) + "/runs/" + encodeURIComponent(run); }

    async function follow(run) {
      try {
        var state = (await ask(dag + "/dagRuns/" + encodeURIComponent(run))).state;
        if (state === "queued") say("Queued; it starts when no other run of it is left" + (box.dataset.approve ? ": a model that waits for a decision comes first." : "."));
        else if (state === "running") {
          if (box.dataset.approve) {
            var task = await ask(dag + "/dagRuns/" + encodeURIComponent(run) + "/taskInstances/" + box.dataset.approve);
            if (["deferred", "awaiting_input"].includes(task.state)) {
              say("It waits for a person.", pageOf(run) + "/tasks/" + box.dataset.approve + "/required_actions", "Its question in Airflow");
              button.disabled = false;
              return;
            }
          }
          say("Running.", pageOf(run), "The run in Airflow");
        } else {
          say(state === "success" ? "Done. Reload this page to see what came of it." : "The run failed; its log in Airflow says why.", pageOf(run), "The run in Airflow");
          button.disabled = false;
          return;
        }
        setTimeout(follow, EVERY, run);
      } catch (error) {
        say(error.message);
        button.disabled = false;
      }
    }

    async function start(unpause) {
      button.disabled = true;
      say("Asking Airflow …");
      try {
        var known = await ask(dag);
        if (known.is_paused && !unpause) {
          say("The DAG is paused in Airflow: a run would wait. Press again to unpause it and start.");
          button.textContent = "Unpause and start";
          button.disabled = false;
          return;
        }
        if (known.is_paused) await ask(dag + "?update_mask=is_paused", { method: "PATCH", body: JSON.stringify({ is_paused: false }) });
        var conf = note && note.value.trim() ? { note: note.value.trim() } : {};
        var run = await ask(dag + "/dagRuns", { method: "POST", body: JSON.stringify({ logical_date: null, conf: conf }) });
        button.textContent = label;
        follow(run.dag_run_id);
      } catch (error) {
        say(error instanceof TypeError ? "Airflow does not answer; nothing was started." : error.message);
        button.disabled = false;
      }
    }

    button.addEventListener("click", function () { start(button.textContent === "Unpause and start"); });
  }

  document.querySelectorAll("[data-run-dag]").forEach(prepare);
})();
