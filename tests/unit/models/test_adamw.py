import torch

from hardneg.models.adamw import AdamW


def test_a_step_is_that_of_torch_s_own_adamw():
    ours, theirs = (torch.nn.Linear(5, 3) for _ in range(2))
    ours.load_state_dict(theirs.state_dict())
    adamw = AdamW(ours.parameters(), weight_decay=0.1)
    reference = torch.optim.AdamW(theirs.parameters(), lr=1, weight_decay=0.1, fused=True)
    for step in range(5):
        for network in (ours, theirs):
            (network(torch.full((2, 5), 1.0 + step)) ** 2).sum().backward()
        rate = 0.1 / (step + 1)
        adamw.step(rate)
        reference.param_groups[0]["lr"] = rate
        reference.step()
        reference.zero_grad()
        assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
